ptm run $FIX/image.pt -i $FIX/image.png --crop 0
