ptm optimize $FIX/bundled.pt -o out.ptm && ptm run out.ptm
