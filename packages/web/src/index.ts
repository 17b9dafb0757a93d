/** The pages that a node serves, and the policy that they are served with. */
export { buildPages, type Page } from "./build.ts";
export { PAGE_CSP } from "./csp.ts";
