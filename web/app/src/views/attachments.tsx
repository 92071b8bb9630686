/** Choosing files: by a button, by dropping them on the conversation, and by pasting. */
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { bytes } from "../lib/format.js";
import { app, staged } from "../page/state.js";
import { t } from "../texts.js";
import { words } from "../texts/files.js";
import { Drawing, Icon } from "./parts.js";

/** Most files that are sent at once. */
const MAX_FILES = 10;
/** A paper clip. */
const ATTACH =
  "M19 11.500l-7.500 7.500a4.500 4.500 0 0 1-6.400-6.400" +
  "L13 4.800a3 3 0 0 1 4.200 4.200l-7.600 7.600a1.500 1.500 0 0 1-2.100-2.100l6.800-6.800";
/** Pictures of which browsers make pixels and nothing else. */
const PICTURES = ["image/jpeg", "image/png", "image/webp"];

export function Attachments({ onFailure }: { onFailure(code: string): void }): JSX.Element {
  const input = useRef<HTMLInputElement>(null);
  const [isOver, setOver] = useState(false);

  function stage(list: Iterable<File> | null | undefined): void {
    const files = [...(list ?? [])];
    const limit = app.value.mediaBytes;
    if (files.length === 0) return;
    if (limit === null) return onFailure("no_files");
    if (files.some(({ size }) => size > limit)) return onFailure("file_too_large");
    staged.value = [...staged.value, ...files].slice(0, MAX_FILES);
  }

  useEffect(() => {
    const stop = new AbortController();
    const { signal } = stop;
    const hasFiles = (event: DragEvent) => event.dataTransfer?.types.includes("Files") ?? false;
    const onDrag = (event: DragEvent) => {
      if (!hasFiles(event)) return;
      // Else the browser opens the file in place of the program.
      event.preventDefault();
      setOver(event.type === "dragover");
      if (event.type === "drop") stage(event.dataTransfer?.files);
    };
    for (const name of ["dragover", "drop"] as const) document.addEventListener(name, onDrag, { signal });
    document.addEventListener("dragleave", (event) => event.relatedTarget === null && setOver(false), { signal });
    const onPaste = (event: ClipboardEvent) => {
      const files = event.clipboardData?.files;
      if (!files || files.length === 0) return;
      event.preventDefault();
      stage(files);
    };
    document.addEventListener("paste", onPaste, { signal });
    return () => stop.abort();
  }, []);

  return (
    <>
      {app.value.mediaBytes !== null && (
        <button
          type="button"
          class="quiet attach"
          aria-label={words.attach}
          title={words.attach}
          onClick={() => input.current?.click()}
        >
          <Drawing path={ATTACH} />
        </button>
      )}
      <input
        ref={input}
        type="file"
        multiple
        hidden
        aria-label={words.attach}
        onChange={(event) => {
          stage(event.currentTarget.files);
          // The same file may be chosen again.
          event.currentTarget.value = "";
        }}
      />
      {staged.value.length > 0 && (
        <ul class="staged" aria-label={words.chosen}>
          {staged.value.map((file) => (
            <Staged key={`${file.name} ${file.size} ${file.lastModified}`} file={file} />
          ))}
        </ul>
      )}
      {isOver && (
        <div class="drop-here" aria-hidden="true">
          {app.value.mediaBytes === null ? t.failures["no_files"] : words.drop}
        </div>
      )}
    </>
  );
}

function Staged({ file }: { file: File }): JSX.Element {
  const [url, setUrl] = useState<string | null>(null);
  useEffect(() => {
    if (!PICTURES.includes(file.type)) return undefined;
    const made = URL.createObjectURL(file);
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [file]);
  return (
    <li>
      {url ? <img src={url} alt="" onError={() => setUrl(null)} /> : <Icon name="file" />}
      <span>
        <b dir="auto">{file.name}</b>
        <small>{bytes(file.size, t.days)}</small>
      </span>
      <button
        type="button"
        class="quiet"
        aria-label={words.remove(file.name)}
        onClick={() => (staged.value = staged.value.filter((one) => one !== file))}
      >
        <Icon name="close" />
      </button>
    </li>
  );
}
