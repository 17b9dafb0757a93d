/** What is used of packages that bring no types of their own. */
declare module "danmaku" {
  export default class Danmaku {
    constructor(options: object);
    emit(comment: object): this;
    destroy(): this;
    readonly _: { readonly runningList: readonly object[] };
  }
}

declare module "danmu.js" {
  export class DanmuJs {
    constructor(options: object);
    start(): void;
    stop(): void;
    sendComment(comment: object): void;
  }
}
