/** Files: chosen ones, those in messages, and a picture as a whole. */
export { Attachments } from "./attachments.js";
export { Files } from "./filelist.js";

/** Resolves when the style of all this is there. */
export const isStyled = new Promise<void>((resolve) => {
  const link = document.createElement("link");
  Object.assign(link, { rel: "stylesheet", href: FILES_CSS_URL });
  link.onload = link.onerror = () => resolve();
  document.head.append(link);
});
