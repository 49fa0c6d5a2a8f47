ptm run zoo:resnet18:x
