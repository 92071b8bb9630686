/** The entries of the runbook, docs/operations/alerts.md, which are loaded when something is wrong. */

/** By the names of alerts: paragraphs, each of pieces of text and code. */
export type Entries = Record<string, ["text" | "code", string][][]>;

export const ENTRIES = JSON.parse(RUNBOOK) as Entries;
