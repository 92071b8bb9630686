import type { ComponentChildren, JSX } from "preact";
import { t } from "../texts.js";
import { Logo } from "./parts.js";

/** A screen with one thing to do. */
export function Card({ title, children }: { title: string; children: ComponentChildren }): JSX.Element {
  return (
    <main class="card-page">
      <div class="card">
        <p class="brand">
          <Logo />
          {t.name}
        </p>
        <h1>{title}</h1>
        {children}
      </div>
    </main>
  );
}
