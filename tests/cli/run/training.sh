ptm run $FIX/training.pt -i @ones:4x3 -q
