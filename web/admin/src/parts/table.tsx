/** Tables. On a phone each row becomes a card, whose lines are named as the columns are. */
import type { ComponentChildren, JSX } from "preact";

export interface Column<T> {
  head: string;
  cell: (row: T) => ComponentChildren;
  /** Numbers stand to the right, in figures of one width. */
  isNumber?: boolean;
  /** It names the row. */
  isName?: boolean;
  /** It has buttons. */
  isAction?: boolean;
}

export interface TableProps<T> {
  /** What the table shows, for screen readers. */
  caption: string;
  columns: Column<T>[];
  rows: T[];
  keyOf: (row: T) => string | number;
  /** What stands there when there are no rows. */
  empty: string;
}

export function Table<T>({ caption, columns, rows, keyOf, empty }: TableProps<T>): JSX.Element {
  if (rows.length === 0) return <p class="empty">{empty}</p>;
  return (
    <div class="table-wrap">
      <table class="rows">
        <caption class="unseen">{caption}</caption>
        <thead>
          <tr>
            {columns.map(({ head, isNumber, isAction }) => (
              <th key={head} scope="col" class={isNumber ? "number" : isAction ? "action" : undefined}>
                {isAction ? <span class="unseen">{head}</span> : head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={keyOf(row)}>
              {columns.map((column) => (
                <Cell key={column.head} column={column} row={row} />
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Cell<T>({ column, row }: { column: Column<T>; row: T }): JSX.Element {
  const { head, isNumber, isName, isAction } = column;
  const content = column.cell(row);
  if (isName) return <th scope="row">{content}</th>;
  return (
    <td class={isNumber ? "number" : isAction ? "action" : undefined} data-head={isAction ? undefined : head}>
      {content}
    </td>
  );
}
