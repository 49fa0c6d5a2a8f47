ptm run $FIX/literals.pt --method two -i "[1.0]"
