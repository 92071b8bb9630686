/** Which server the program talks to: its own, unless the page names another. */
const named = document.querySelector<HTMLMetaElement>("meta[name=fluent-server]")?.content;

/** An origin, such as `https://chat.example.org`. */
export const server = named || location.origin;
