ptm run $FIX/bundled.pt -i @bundled:2
