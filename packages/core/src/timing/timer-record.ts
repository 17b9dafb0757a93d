/**
 * A timer as it lies in the pool: eight words of 32 bits.
 *
 *       0                                                           31
 *      +---------------------------------------------------------------+
 *   0  | deadline, ms, a 64-bit float                                  |
 *   1  |                                                               |
 *      +---------------------------------------------------------------+
 *   2  | next in its list; free: next free timer; due: place in heap   |
 *      +---------------------------------------------------------------+
 *   3  | previous in its list (of the first one: the last)             |
 *      +---------------------------------------------------------------+
 *   4  | sequence: counts the insertions, orders equal deadlines       |
 *      +---------------------------------------------------------------+
 *   5  | generation: counts the lives of this place, from 1            |
 *      +-------------------------------+---------------+---------------+
 *   6  | where: slot, or one of below  | kind          | 0             |
 *      +-------------------------------+---------------+---------------+
 *   7  | data of the owner                                             |
 *      +---------------------------------------------------------------+
 */
export const TIMER_WORDS = 8;
export const TIMER_BYTES = TIMER_WORDS * 4;
export const NEXT = 2;
export const PREVIOUS = 3;
export const SEQUENCE = 4;
export const GENERATION = 5;
export const WHERE_AND_KIND = 6;
export const DATA = 7;

/** `where` of a timer that is in the heap, and of one that is free; smaller numbers are slots. */
export const WHERE_HEAP = 0xfffe;
export const WHERE_FREE = 0xffff;

/** No timer, in `next`, `previous` and the heads of lists. */
export const NONE = -1;
