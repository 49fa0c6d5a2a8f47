printf "\034\000\000\000TFL3xxxxxxxx" > m.tflite; ptm run m.tflite
