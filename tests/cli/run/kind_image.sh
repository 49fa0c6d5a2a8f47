ptm run $FIX/image.png
