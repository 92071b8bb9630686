/** Files in messages, loaded when there are any, with their style. */
import { lazy } from "./lazy.js";

const load = () => import("./files.js").then(async (files) => (await files.isStyled, files));

export const Files = lazy(() => load().then(({ Files }) => Files), null);
export const Attachments = lazy(() => load().then(({ Attachments }) => Attachments), null);
