ptm run $FIX/literals.pt -m ints -i "$(printf "[%.0s" $(seq 100))"
