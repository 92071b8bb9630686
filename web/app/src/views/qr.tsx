import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";

/** Light modules around a code, as readers want it (ISO/IEC 18004, section 6.3.8). */
const QUIET_ZONE = 4;

/** A text as a code for cameras. */
export function QrCode({ text, label }: { text: string; label: string }): JSX.Element {
  const [code, setCode] = useState<{ path: string; size: number } | null>(null);
  useEffect(() => {
    let isOld = false;
    // Loaded when it is needed: most screens do without.
    void import("qr").then(({ encodeQR }) => {
      if (!isOld) setCode(draw(encodeQR(text, "raw", { border: QUIET_ZONE })));
    });
    return () => void (isOld = true);
  }, [text]);
  if (!code) return <div class="qr" />;
  return (
    <svg
      class="qr"
      viewBox={`0 0 ${code.size} ${code.size}`}
      role="img"
      aria-label={label}
      shape-rendering="crispEdges"
    >
      <rect width={code.size} height={code.size} />
      <path d={code.path} />
    </svg>
  );
}

function draw(modules: readonly (readonly boolean[])[]): { path: string; size: number } {
  const squares = modules.flatMap((row, y) => row.map((isDark, x) => (isDark ? `M${x} ${y}h1v1h-1z` : "")));
  return { path: squares.join(""), size: modules.length };
}
