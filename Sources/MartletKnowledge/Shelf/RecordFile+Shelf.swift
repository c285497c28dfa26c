package import MartletStore

extension RecordFile: ShelfBook {}
