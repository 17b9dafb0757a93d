export { openAdminServer } from "./admin-server.ts";
