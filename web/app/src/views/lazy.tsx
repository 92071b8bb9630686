/** Screens that are loaded when somebody opens them. */
import type { ComponentType, JSX } from "preact";
import { useEffect, useState } from "preact/hooks";

/** Returns a component that is shown as soon as it is loaded, and what stands for it until then. */
export function lazy<Props extends object>(
  load: () => Promise<ComponentType<Props>>,
  placeholder: JSX.Element | null = <div class="empty" />,
): ComponentType<Props> {
  let loaded: ComponentType<Props> | null = null;
  return function Lazy(props: Props): JSX.Element | null {
    const [, setLoaded] = useState(loaded !== null);
    useEffect(() => {
      if (loaded) return;
      void load().then((component) => {
        loaded = component;
        setLoaded(true);
      });
    }, []);
    const Loaded = loaded;
    return Loaded ? <Loaded {...props} /> : placeholder;
  };
}
