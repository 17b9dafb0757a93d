import { roomLogContract } from "../../../../core/src/ports/room-log.contract.ts";
import { openLogUnderTest } from "./testing.ts";

roomLogContract("embedded", openLogUnderTest);
