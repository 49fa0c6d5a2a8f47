ptm run $FIX/literals.pt -m ints -i "[1, 2"
