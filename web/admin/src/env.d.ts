/** The entries of docs/operations/alerts.md by the names of alerts: paragraphs, each of pieces of text and code. */
declare const RUNBOOK: Record<string, ["text" | "code", string][][]>;
declare module "*.css";
