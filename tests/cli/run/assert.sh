ptm run $FIX/state.pt -m check -i 0
