ptm run $FIX/conv.pt -i @bundled
