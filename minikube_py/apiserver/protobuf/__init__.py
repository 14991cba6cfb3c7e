"""Request bodies in Kubernetes' protobuf encoding, which typed Go clients send since 1.32."""
