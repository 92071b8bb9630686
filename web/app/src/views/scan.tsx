/** Reading the code of somebody's screen with the camera. Loaded, with the decoder, when somebody wants it. */
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { decodeQR } from "qr/decode.js";
import type { Person } from "../bridge/protocol.js";
import { judge } from "../lib/scanned.js";
import { calls } from "../page/calls.js";
import { words } from "../texts/scan.js";
import { t } from "../texts.js";
import { Dialog, Failure, useWork } from "./parts.js";

/** The time between two looks at what the camera sees, in milliseconds. */
const LOOK_MS = 120;
/** Pixels of a side of what is looked at: enough for a code that fills a third of it. */
const SIDE = 640;

/** What came of it. */
type Outcome = "looking" | "other" | "differs" | "refused" | "missing";

export default function Scan({
  person: { id, name },
  code,
  onVerified,
  onClose,
}: {
  person: Person;
  /** The code of this side. */
  code: string;
  /** The codes are the same, and the person is marked as verified. */
  onVerified(): void;
  onClose(): void;
}): JSX.Element {
  const video = useRef<HTMLVideoElement>(null);
  const state = useSignal<Outcome>("looking");
  const outcome = state.value;
  const work = useWork();
  const isOn = outcome === "looking" || outcome === "other";

  useEffect(() => {
    if (!isOn || !video.current) return undefined;
    const camera = startCamera(video.current, (read) => {
      const judged = judge(read, code);
      if (judged === "same") work.run(() => calls().verify(id, true).then(onVerified));
      else state.value = judged;
      return judged === "other";
    });
    camera.failed.catch((error: unknown) => {
      const isRefused = error instanceof DOMException && ["NotAllowedError", "SecurityError"].includes(error.name);
      state.value = isRefused ? "refused" : "missing";
    });
    return camera.stop;
  }, [isOn, code]);

  return (
    <Dialog title={words.title(name)} onClose={onClose}>
      {isOn ? (
        <>
          <p>{words.how(name)}</p>
          <video class="camera" ref={video} aria-label={words.camera} muted playsInline />
          <p class="hint" role="status">
            {outcome === "other" ? words.other : words.looking}
          </p>
          <Failure text={work.failure} />
        </>
      ) : (
        <>
          <Failure text={outcome === "differs" ? words.differs(name) : words[outcome]} />
          {outcome === "differs" && <p>{words.differsAct(name)}</p>}
        </>
      )}
      <div class="buttons">
        <button type="button" onClick={onClose}>
          {t.cancel}
        </button>
        {!isOn && (
          <button type="button" class="primary" onClick={() => void (state.value = "looking")}>
            {words.again}
          </button>
        )}
      </div>
    </Dialog>
  );
}

/**
 * Shows what the camera sees, and calls `onRead` with each code in it until that returns false. `failed` rejects when
 * there is no camera, or none that may be used.
 */
function startCamera(
  video: HTMLVideoElement,
  onRead: (text: string) => boolean,
): { stop(): void; failed: Promise<void> } {
  let stream: MediaStream | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isOver = false;
  const stop = () => {
    isOver = true;
    clearTimeout(timer);
    for (const track of stream?.getTracks() ?? []) track.stop();
  };
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const look = () => {
    const text = context && read(video, context);
    if (text && !onRead(text)) return stop();
    if (!isOver) timer = setTimeout(look, LOOK_MS);
  };
  const start = async () => {
    // The camera at the back of a phone.
    stream = await navigator.mediaDevices.getUserMedia({
      video: { facingMode: "environment", height: { ideal: 1080 } },
    });
    // The window was closed while the browser asked the person.
    if (isOver) return stop();
    video.srcObject = stream;
    await video.play();
    look();
  };
  const failed = start().catch((error: unknown) => {
    const isWanted = !isOver;
    stop();
    if (isWanted) throw error;
  });
  return { stop, failed };
}

/** Returns the text of a code in the middle of what the camera sees. */
function read(video: HTMLVideoElement, context: CanvasRenderingContext2D): string | null {
  const { videoWidth, videoHeight } = video;
  const from = Math.min(videoWidth, videoHeight);
  if (from === 0) return null;
  const side = Math.min(SIDE, from);
  context.canvas.width = context.canvas.height = side;
  context.drawImage(video, (videoWidth - from) / 2, (videoHeight - from) / 2, from, from, 0, 0, side, side);
  try {
    return decodeQR(context.getImageData(0, 0, side, side));
  } catch {
    // There is no code in it.
    return null;
  }
}
