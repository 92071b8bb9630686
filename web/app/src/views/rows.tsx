/** Groups of settings, and their rows. */
import type { ComponentChildren, JSX } from "preact";

export function Group({ title, children }: { title: string; children: ComponentChildren }): JSX.Element {
  return (
    <section class="group rows">
      <h3>{title}</h3>
      {children}
    </section>
  );
}

export function Row({
  title,
  text,
  children,
}: {
  title: string;
  text?: string;
  children?: ComponentChildren;
}): JSX.Element {
  return (
    <div class="setting">
      <div>
        <strong>{title}</strong>
        {text && <p>{text}</p>}
      </div>
      {children && <div class="acts">{children}</div>}
    </div>
  );
}

export function Switch({
  label,
  text,
  isOn,
  onChange,
}: {
  label: string;
  text: string;
  isOn: boolean | null;
  onChange(isOn: boolean): void;
}): JSX.Element {
  return (
    <label class="setting">
      <span>
        <strong>{label}</strong>
        <small>{text}</small>
      </span>
      <input
        class="switch"
        type="checkbox"
        checked={isOn ?? false}
        disabled={isOn === null}
        onChange={(event) => onChange(event.currentTarget.checked)}
      />
    </label>
  );
}
