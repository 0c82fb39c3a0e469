"""Pictures, H.264, stamps and files of video. The only importer of PyAV."""
