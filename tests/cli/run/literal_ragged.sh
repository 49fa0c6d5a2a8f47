ptm run $FIX/literals.pt -m tensor -i "[[1, 2], [3]]"
