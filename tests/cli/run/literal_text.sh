ptm run $FIX/literals.pt -m text -i "\"open"
