ptm optimize $FIX/bundled.pt -o out.ptm --preserve forward && ptm run out.ptm
