/** The files of a message. */
import type { JSX } from "preact";
import { useEffect, useLayoutEffect, useMemo, useState } from "preact/hooks";
import { CallError } from "../bridge/bridge.js";
import { type OpenedFile, type Progress, type ShownFile, fileKey } from "../bridge/protocol.js";
import { bytes, fileName } from "../lib/format.js";
import { pictureOf } from "../lib/picture.js";
import { calls } from "../page/calls.js";
import { grown, transfers } from "../page/state.js";
import { failureText, t } from "../texts.js";
import { words } from "../texts/files.js";
import { Dialog, Drawing, Icon, saveFile } from "./parts.js";

/** Most pixels of a side of a picture that comes with a message. */
const MAX_SIDE = 1_024;
/** Types that may be pictures to look at. What a file is shows when it has come. */
const PICTURES = ["image/jpeg", "image/png", "image/webp"];
const IMAGE = "M4 5h16v14H4zM4 16l5-5 4 4 3-3 4 4M15.500 9v.01";
const DOWNLOAD = "M12 4v11M7 10.500l5 5 5-5M5 20h14";
/** What is saved is bytes: a browser is not to make a document of them. */
const OCTETS = "application/octet-stream";

/** `message`: where the files are; a message that waits to be sent has a name only. */
export function Files({
  files,
  message,
  clientId,
}: {
  files: readonly ShownFile[];
  message?: number;
  clientId?: string;
}): JSX.Element {
  return (
    <div class="files">
      {files.map((file, index) =>
        message === undefined ? (
          <Waiting key={index} file={file} name={clientId ?? ""} />
        ) : (
          <Sent key={index} file={file} message={message} index={index} />
        ),
      )}
    </div>
  );
}

/** A file that is not sent yet. */
function Waiting({ file, name }: { file: ShownFile; name: string }): JSX.Element {
  const progress = transfers.value.get(name);
  useGrowth(progress !== undefined);
  return (
    <>
      <Thumbnail file={file} />
      <About file={file} progress={progress} isOut />
      {progress && <Bar file={file} progress={progress} name={name} isOut />}
    </>
  );
}

function Sent({ file, message, index }: { file: ShownFile; message: number; index: number }): JSX.Element {
  const [failure, setFailure] = useState<string | null>(null);
  const [opened, setOpened] = useState<OpenedFile | null>(null);
  const key = fileKey(message, index);
  const progress = transfers.value.get(key);
  useGrowth(progress !== undefined, failure);
  const mayBeShown = PICTURES.includes(file.type) || file.thumbnail !== null;

  async function open(use: (opened: OpenedFile) => void): Promise<void> {
    if (progress) return;
    setFailure(null);
    try {
      use(await calls().openFile(message, index));
    } catch (error) {
      const code = error instanceof CallError ? error.code : "unknown";
      if (code !== "stopped") setFailure(failureText(code));
    }
  }
  const show = () => open((file) => (file.isPicture ? setOpened(file) : setFailure(words.notShown)));
  const save = () => open(({ blob }) => saveFile(fileName(file.name), OCTETS, blob));

  return (
    <>
      {mayBeShown && (
        <button type="button" class="picture" aria-label={words.view(file.name)} onClick={() => void show()}>
          <Thumbnail file={file} />
          {file.thumbnail === null && <Drawing path={IMAGE} />}
        </button>
      )}
      <About file={file} progress={progress}>
        {!progress && (
          <button
            type="button"
            class="quiet"
            aria-label={words.save(file.name)}
            title={words.saveShort}
            onClick={() => void save()}
          >
            <Drawing path={DOWNLOAD} />
          </button>
        )}
      </About>
      {progress && <Bar file={file} progress={progress} name={key} />}
      {failure && (
        <p class="failure" role="alert">
          {failure}
        </p>
      )}
      {opened && <Viewer file={file} blob={opened.blob} onClose={() => setOpened(null)} />}
    </>
  );
}

/** Tells the list of messages that something has become larger or smaller, so that it stays at its end. */
function useGrowth(...causes: unknown[]): void {
  useLayoutEffect(() => void (grown.value += 1), causes);
}

/** The picture that came with the message, when it is one. Its pixels are counted before a browser makes any. */
function Thumbnail({ file: { thumbnail, name } }: { file: ShownFile }): JSX.Element | null {
  const small = useMemo(() => (thumbnail === null ? null : readThumbnail(thumbnail)), [thumbnail]);
  const [url, setUrl] = useState<string | null>(null);
  useLayoutEffect(() => {
    if (!small) return undefined;
    const made = URL.createObjectURL(small.blob);
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [small]);
  useGrowth(url);
  if (!small || !url) return null;
  return <img src={url} alt={words.photoOf(name)} width={small.width} height={small.height} draggable={false} />;
}

function readThumbnail(text: string): { blob: Blob; width: number; height: number } | null {
  try {
    const content = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
    const picture = pictureOf(content);
    if (!picture || Math.max(picture.width, picture.height) > MAX_SIDE) return null;
    const { type, width, height } = picture;
    return { blob: new Blob([content], { type }), width, height };
  } catch {
    return null;
  }
}

function About({
  file,
  progress,
  isOut = false,
  children,
}: {
  file: ShownFile;
  progress: Progress | undefined;
  isOut?: boolean;
  children?: JSX.Element | false;
}): JSX.Element {
  return (
    <div class="about">
      <Icon name="file" />
      <span>
        <b dir="auto">{file.name}</b>
        <small>
          {progress && `${phaseOf(progress, isOut)} · `}
          {bytes(file.size, t.days)}
        </small>
      </span>
      {children}
    </div>
  );
}

function Bar({
  file,
  progress,
  name,
  isOut = false,
}: {
  file: ShownFile;
  progress: Progress;
  name: string;
  isOut?: boolean;
}): JSX.Element {
  const { done, total } = progress;
  const label = words.progress(phaseOf(progress, isOut), file.name);
  return (
    <div class="moving">
      {total > 0 ? <progress aria-label={label} value={done} max={total} /> : <progress aria-label={label} />}
      <button
        type="button"
        class="quiet"
        aria-label={words.stop(file.name)}
        onClick={() => void calls().stopFile(name)}
      >
        <Icon name="close" />
      </button>
    </div>
  );
}

function phaseOf({ phase, total }: Progress, isOut: boolean): string {
  if (total === 0) return words.waiting;
  if (phase === "encrypting") return words.encrypting;
  return isOut ? words.sending : words.fetching;
}

/** A picture as a whole. */
function Viewer({ file, blob, onClose }: { file: ShownFile; blob: Blob; onClose(): void }): JSX.Element {
  const [url, setUrl] = useState<string | null>(null);
  useEffect(() => {
    const made = URL.createObjectURL(blob);
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [blob]);
  return (
    <Dialog title={fileName(file.name)} onClose={onClose}>
      {url && <img class="whole" src={url} alt={words.photoOf(file.name)} />}
      <div class="buttons">
        <button type="button" onClick={() => saveFile(fileName(file.name), OCTETS, blob)}>
          {words.saveShort}
        </button>
        <button type="button" class="primary" onClick={onClose}>
          {t.close}
        </button>
      </div>
    </Dialog>
  );
}
