/** The static table of HPACK (RFC 7541 appendix A) as entries like those of the dynamic tables, made at the start. */
import { TableEntry, TableMark } from "./layout";
import {
  STATIC_AT,
  STATIC_COUNT,
  STATIC_ID,
  STATIC_NAME_LENGTH,
  STATIC_TEXT,
  STATIC_VALUE_LENGTH,
} from "../gen/hpack_tables";

const ENTRY_BYTES: usize = TableEntry.Words << 2;
const ENTRIES: usize = memory.data(62 * 32, 16);

/** The entry of an index from 1 to `STATIC_COUNT`. */
@inline
export function staticEntry(index: i32): usize {
  return ENTRIES + <usize> index * ENTRY_BYTES;
}

function fill(): void {
  for (let index: i32 = 1; index <= STATIC_COUNT; index++) {
    const entry = staticEntry(index);
    const name = STATIC_TEXT + <usize> load<u16>(STATIC_AT + (<usize> index << 1));
    const nameLength = <i32> load<u8>(STATIC_NAME_LENGTH + <usize> index);
    const id = <i32> load<u8>(STATIC_ID + <usize> index);
    store<i32>(entry, <i32> name);
    store<i32>(entry, nameLength, TableEntry.NameLength << 2);
    store<i32>(entry, <i32> name + nameLength, TableEntry.Value << 2);
    store<i32>(entry, load<u8>(STATIC_VALUE_LENGTH + <usize> index), TableEntry.ValueLength << 2);
    store<i32>(entry, id | id << 8 | (id > 0 && id < 16 ? <i32> TableMark.Special : 0), TableEntry.Mark << 2);
  }
}

fill();
