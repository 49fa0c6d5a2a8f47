ptm inspect $FIX/literals.pt | head -n 14
