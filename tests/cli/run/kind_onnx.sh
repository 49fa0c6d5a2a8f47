printf "\010\007\022\007pytorch\032\0051.9.0:" > net.onnx; ptm run net.onnx
