ptm run $FIX/bundled.pt; ptm run $FIX/bundled.pt -i @bundled:1
