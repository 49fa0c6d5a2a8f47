mkdir in; ptm run $FIX/conv.pt -i in
