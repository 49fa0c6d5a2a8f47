ptm run $FIX/image.pt -i $FIX/image.png --input-shape 1,3,64,48
