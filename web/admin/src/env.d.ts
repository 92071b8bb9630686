/** The entries of docs/operations/alerts.md, as JSON: see `views/entries.ts`. */
declare const RUNBOOK: string;
declare module "*.css";
