export { createWebSocketFace, SocketData, type WebSocketFace } from "./websocket.ts";
