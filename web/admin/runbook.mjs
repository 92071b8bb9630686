// The entries of the runbook, docs/operations/alerts.md, so that the page can say what to do.
import { marked } from "marked";

/** Returns the pieces of a line: texts, code, and links, of which those within the documents stay words. */
function pieces(tokens) {
  return tokens.flatMap((token) => {
    if (token.type === "codespan") return [["code", token.text]];
    if (token.tokens) return pieces(token.tokens);
    return [["text", token.text.replace(/\s*\n\s*/g, " ")]];
  });
}

/** Returns the paragraphs of each alert, by its name. */
export function runbook(markdown) {
  const entries = {};
  let name = null;
  for (const token of marked.lexer(markdown)) {
    if (token.type === "heading") name = /^Fluent\w+$/.test(token.text) ? token.text : null;
    else if (name && token.type === "paragraph") (entries[name] ??= []).push(pieces(token.tokens));
  }
  return entries;
}
