ptm run $FIX/conv.pt -i @randint:5:5
