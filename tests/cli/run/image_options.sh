ptm run $FIX/image.pt -i $FIX/image.png --mean 1,2
