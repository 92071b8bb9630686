/** What a view shows of the API: fetched when the view opens, again after changes, and again and again where it lives. */
import { useCallback, useEffect, useState } from "preact/hooks";
import { call, Failure, said } from "./api.js";
import { isLookedAt } from "./look.js";

/** An answer, or why there is none. */
export interface Resource<T> {
  data: T | null;
  /** Why the last request has failed; the data are then those of before. */
  failure: Failure | null;
  isLoading: boolean;
  reload: () => void;
}

/** Fetches `path` now, and every so many milliseconds while somebody looks. No path: nothing is fetched. */
export function useResource<T>(path: string | null, everyMs = 0): Resource<T> {
  const [state, set] = useState<{ path: string | null; data: T | null; failure: Failure | null }>({
    path: null,
    data: null,
    failure: null,
  });
  const [round, again] = useState(0);
  const reload = useCallback(() => again((count) => count + 1), []);
  useEffect(() => {
    if (path === null) return undefined;
    const stop = new AbortController();
    let isBusy = false;
    const fetchIt = async () => {
      if (isBusy) return;
      isBusy = true;
      try {
        const data = await call<T>(path, { signal: stop.signal });
        set({ path, data, failure: null });
      } catch (error) {
        if (stop.signal.aborted) return;
        const failure = error instanceof Failure ? error : new Failure(0, said(error));
        set((before) => ({ path, data: before.path === path ? before.data : null, failure }));
      } finally {
        isBusy = false;
      }
    };
    void fetchIt();
    const timer = everyMs > 0 ? setInterval(() => isLookedAt() && void fetchIt(), everyMs) : 0;
    return () => {
      stop.abort();
      clearInterval(timer);
    };
  }, [path, everyMs, round]);
  const isOf = state.path === path;
  return {
    data: isOf ? state.data : null,
    failure: isOf ? state.failure : null,
    isLoading: path !== null && (!isOf || (state.data === null && state.failure === null)),
    reload,
  };
}

/** A list that comes in pages. */
export interface Paged<T> extends Resource<T[]> {
  /** Fetches the next page; null when there is none. */
  more: (() => void) | null;
}

/** Fetches pages of `size` entries; `next` names the path of the page after these entries. */
export function usePages<T>(
  path: string | null,
  pick: (answer: never) => T[],
  size: number,
  next: (entries: T[]) => string,
): Paged<T> {
  const first = useResource<never>(path);
  const [rest, set] = useState<{ of: unknown; entries: T[]; isDone: boolean }>({ of: null, entries: [], isDone: false });
  const [failure, fail] = useState<Failure | null>(null);
  const isOfFirst = rest.of === first.data;
  const begun = first.data === null ? null : pick(first.data);
  const data = begun && [...begun, ...(isOfFirst ? rest.entries : [])];
  const isDone = isOfFirst ? rest.isDone : (begun?.length ?? 0) < size;
  const more = async () => {
    if (data === null) return;
    try {
      const page = pick(await call<never>(next(data)));
      fail(null);
      set({
        of: first.data,
        entries: [...(isOfFirst ? rest.entries : []), ...page],
        isDone: page.length < size,
      });
    } catch (error) {
      fail(error instanceof Failure ? error : new Failure(0, said(error)));
    }
  };
  const { reload, isLoading } = first;
  return { data, failure: first.failure ?? failure, isLoading, reload, more: data && !isDone ? () => void more() : null };
}
