ptm run $FIX/literals.pt --method two
