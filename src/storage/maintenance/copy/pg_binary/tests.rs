use super::*;

fn table() -> Table {
    let columns = [("a", "int2"), ("b", "int4"), ("c", "int8"), ("d", "bool"), ("e", "text"), ("f", "bytea")];
    Table::new("t".to_owned(), columns.map(|(name, kind)| (name.to_owned(), kind.to_owned())).to_vec()).unwrap()
}

fn int(number: i64) -> CopyValue {
    CopyValue::Int(number)
}

#[test]
fn rows_survive_in_pieces_of_any_size() {
    let table = table();
    let bytes = |bytes: &[u8]| CopyValue::Bytes(bytes.to_vec());
    let text = |text: &str| CopyValue::Text(text.to_owned());
    let rows = [
        vec![int(-3), int(i32::MIN.into()), int(i64::MAX), int(1), text("\u{1f600}"), bytes(b"\0\xff")],
        vec![CopyValue::Null; 6],
        vec![int(0), int(0), int(0), int(0), text(""), bytes(b"")],
    ];
    let mut whole = Vec::new();
    begin(&mut whole);
    for row in &rows {
        encode(&table, row, &mut whole).unwrap();
    }
    end(&mut whole);
    for size in 1..whole.len() {
        let (mut decoder, mut found) = (Decoder::new(&table), Vec::new());
        for piece in whole.chunks(size) {
            decoder.push(piece);
            while let Some(row) = decoder.next().unwrap() {
                found.push(row);
            }
        }
        decoder.finish().unwrap();
        assert_eq!(found, rows, "in pieces of {size}");
    }
    let mut cut = Decoder::new(&table);
    cut.push(&whole[..whole.len() - 2]);
    while cut.next().unwrap().is_some() {}
    assert!(cut.finish().is_err());
    let mut other = Decoder::new(&table);
    other.push(&[b'x'; 30]);
    assert!(other.next().is_err());
}

#[test]
fn what_a_column_cannot_hold_is_refused_by_its_name() {
    let table = table();
    let bad = [
        (0, int(40_000)),
        (1, int(1 << 31)),
        (3, int(2)),
        (4, CopyValue::Text("a\0b".to_owned())),
        (4, CopyValue::Bytes(Vec::new())),
        (5, CopyValue::Text(String::new())),
    ];
    for (place, value) in bad {
        let mut row = vec![CopyValue::Null; 6];
        row[place] = value;
        let error = encode(&table, &row, &mut Vec::new()).unwrap_err().to_string();
        assert!(error.contains(&format!("row of t cannot be copied: {}", table.columns[place].name)), "{error}");
    }
}
