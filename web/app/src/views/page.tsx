import type { ComponentChildren, JSX } from "preact";
import { t } from "../texts.js";
import { Icon } from "./parts.js";

/** A screen that is no conversation. */
export function Page({
  title,
  back = "#/",
  children,
}: {
  title: string;
  back?: string;
  children: ComponentChildren;
}): JSX.Element {
  return (
    <div class="page">
      <header class="bar">
        <a class={back === "#/" ? "quiet only-narrow" : "quiet"} href={back} aria-label={t.back}>
          <Icon name="back" />
        </a>
        <h1>{title}</h1>
      </header>
      <div class="content" tabIndex={0} role="region" aria-label={title}>
        <div class="column">{children}</div>
      </div>
    </div>
  );
}
