ptm optimize $FIX/training.pt -o out.ptm -i @ones:4x3 && ptm run out.ptm -i @ones:4x3
