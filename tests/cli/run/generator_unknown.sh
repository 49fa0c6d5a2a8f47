ptm run $FIX/conv.pt -i @radnom
