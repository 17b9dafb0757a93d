export { createWebSocketFace, type SocketData, type WebSocketFace } from "./websocket.ts";
