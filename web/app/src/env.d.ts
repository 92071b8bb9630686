/** The address of the Worker's file. The build knows it. */
declare const WORKER_URL: string;
/** The address of the style of files. */
declare const FILES_CSS_URL: string;
/** The name of this version. */
declare const VERSION: string;
/** Everything that the program is made of, by address. */
declare const FILES: readonly string[];
